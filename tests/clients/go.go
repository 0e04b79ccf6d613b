// OpenAPI Generator's client for Go, in the package of this program: methods that return body, response and error.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

func check(holds bool, seen ...any) {
	if !holds {
		panic(fmt.Sprintf("%+v", seen))
	}
}

func must[T any](value T, _ *http.Response, err error) T {
	check(err == nil, err)
	return value
}

func problem[T any](status int) func(T, *http.Response, error) Problem {
	return func(_ T, response *http.Response, err error) Problem {
		return failed(status, response, err)
	}
}

func failed(status int, response *http.Response, err error) Problem {
	problem := err.(*GenericOpenAPIError).Model().(Problem)
	check(response.StatusCode == status && int(problem.Status) == status, problem)
	check(problem.RequestId == response.Header.Get("X-Request-Id"), problem)
	return problem
}

func main() {
	configuration := NewConfiguration()
	configuration.Servers[0].URL = os.Args[1]
	client, ctx := NewAPIClient(configuration), context.Background()
	api := client.ItemsAPI
	create := func(name string) ApiCreateItemRequest { return api.CreateItem(ctx).ItemInput(*NewItemInput(name)) }

	lamp, created, err := create("lamp").IdempotencyKey("go").Execute()
	check(err == nil && created.StatusCode == 201 && lamp.Name == "lamp" && lamp.Description == "", err, lamp)
	check(time.Since(lamp.CreatedAt).Abs() < time.Minute, lamp)
	first := created.Header.Get("ETag")
	again, replayed, err := create("lamp").IdempotencyKey("go").Execute()
	check(err == nil && again.Id == lamp.Id && replayed.Header.Get("Idempotency-Replayed") == "true", err)
	problem[*Item](422)(create("desk").IdempotencyKey("go").Execute())
	check(problem[*Item](422)(create("").Execute()).Errors[0].Field == "name")

	other := must(create("chair").Execute())
	var seen []int64
	for last, next := lamp.Id-1, true; next; last = seen[len(seen)-1] {
		page, response, err := api.ListItems(ctx).Limit(1).After(last).Execute()
		check(err == nil && len(page) == 1, err)
		seen, next = append(seen, page[0].Id), response.Header.Get("Link") != ""
	}
	check(len(seen) == 2 && seen[0] == lamp.Id && seen[1] == other.Id, seen)
	problem[[]Item](400)(api.ListItems(ctx).Limit(0).Execute())

	check(must(api.GetItem(ctx, lamp.Id).IfNoneMatch(`"9", W/"8"`).Execute()).UpdatedAt == lamp.UpdatedAt)
	_, response, err := api.GetItem(ctx, lamp.Id).IfNoneMatch(first).Execute()
	check(err != nil && response.StatusCode == 304, err)
	input := NewItemInput("lamp")
	input.SetDescription("brass")
	updated, response, err := api.UpdateItem(ctx, lamp.Id).ItemInput(*input).IfMatch(first).Execute()
	check(err == nil && updated.Description == "brass" && response.Header.Get("ETag") != first, err, updated)
	problem[*Item](412)(api.UpdateItem(ctx, lamp.Id).ItemInput(*input).IfMatch(first).Execute())
	head, err := api.HeadItem(ctx, lamp.Id).Execute()
	check(err == nil && head.Header.Get("ETag") == response.Header.Get("ETag"), err)
	response, err = api.DeleteItem(ctx, lamp.Id).IfMatch(first).Execute()
	failed(412, response, err)
	for _, id := range seen {
		response, err = api.DeleteItem(ctx, id).IfMatch("*").Execute()
		check(err == nil && response.StatusCode == 204, err)
	}
	problem[*Item](404)(api.GetItem(ctx, lamp.Id).Execute())
	check(strings.HasPrefix(must(client.ServiceAPI.GetReadiness(ctx).Execute()), "database: ok\n"))
}
