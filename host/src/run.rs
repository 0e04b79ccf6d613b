//! Runs one guest for one request.

use crate::admission::Place;
use crate::app::App;
use crate::component::Component;
use crate::guest::Guest;
use crate::trace::{Span, Trace};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Empty};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::Resource;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HostOutgoingBody;
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView as _};

/// Runs a guest and answers as soon as it has set its response; the guest runs on until it returns, whatever becomes of the client.
/// A guest that fails before that is answered for with 500 and an empty body.
pub async fn respond<B>(
    app: &Arc<App>,
    component: &Arc<Component>,
    request: Request<B>,
    depth: usize,
    trace: Trace,
    place: Place,
) -> Response<WasiBody>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Error>,
{
    let fail = |reason: String| {
        app.log.host(&component.id, reason);
        empty(StatusCode::INTERNAL_SERVER_ERROR)
    };
    let (sender, mut receiver) = oneshot::channel();
    let span = trace.execution(&component.id);
    let mut store = Guest::store(app, component, depth, span.trace());
    let resources = prepare(&mut store, request, sender);
    let (request, answer) = match resources {
        Ok(resources) => resources,
        Err(error) => return fail(format!("the request cannot be passed on: {error:#}")),
    };
    let stopped = Arc::new(AtomicBool::new(false));
    let task = Task { app: app.clone(), component: component.clone(), stopped: stopped.clone(), span, _place: place };
    let mut guest = Running { app, guest: Some(Box::pin(task.run(store, request, answer))) };
    let answer = tokio::select! {
        biased;
        () = &mut guest => receiver.try_recv().ok(),
        answer = &mut receiver => answer.ok(),
    };
    match answer {
        Some(Ok(response)) => response.map(|body| Answer { body, stopped }.boxed_unsync()),
        Some(Err(code)) => fail(format!("the guest answered with an error: {code:?}")),
        // Either the guest was stopped, which its task has logged, or it has returned.
        None if stopped.load(Ordering::Acquire) => empty(StatusCode::INTERNAL_SERVER_ERROR),
        None => fail("the guest returned without a response".to_owned()),
    }
}

/// A guest within the task that waits for its answer, which saves a task and two switches where it returns with its answer.
/// One that is still at work when its answer leaves, or when nobody waits for it any more, goes on in a task of its own.
struct Running<'a, G: Future<Output = ()> + Send + 'static> {
    app: &'a App,
    guest: Option<Pin<Box<G>>>,
}

impl<G: Future<Output = ()> + Send + 'static> Future for Running<'_, G> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if let Some(guest) = &mut self.guest {
            ready!(guest.as_mut().poll(context));
            self.guest = None;
        }
        Poll::Ready(())
    }
}

impl<G: Future<Output = ()> + Send + 'static> Drop for Running<'_, G> {
    fn drop(&mut self) {
        if let Some(guest) = self.guest.take() {
            self.app.tasks.spawn_on(guest, &self.app.runtime);
        }
    }
}

/// A response without a body.
pub fn empty(status: StatusCode) -> Response<WasiBody> {
    let mut response = Response::new(Empty::new().map_err(Error::from).boxed_unsync());
    *response.status_mut() = status;
    response
}

type Resources = (Resource<HostIncomingRequest>, Resource<HostResponseOutparam>);
type AnswerSender = oneshot::Sender<Result<Response<WasiBody>, ErrorCode>>;

fn prepare<B>(store: &mut Store<Guest>, request: Request<B>, sender: AnswerSender) -> wasmtime::Result<Resources>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Error>,
{
    let mut http = store.data_mut().http();
    Ok((http.new_incoming_request(Scheme::Http, request)?, http.new_response_outparam(sender)?))
}

struct Task {
    app: Arc<App>,
    component: Arc<Component>,
    stopped: Arc<AtomicBool>,
    span: Span,
    _place: Place,
}

impl Task {
    async fn run(
        mut self,
        mut store: Store<Guest>,
        request: Resource<HostIncomingRequest>,
        answer: Resource<HostResponseOutparam>,
    ) {
        let meter = store.data().meter.clone();
        let guest = meter.measure(async {
            let proxy = self.component.pre.instantiate_async(&mut store).await?;
            proxy.wasi_http_incoming_handler().call_handle(&mut store, request, answer).await
        });
        let result = tokio::select! {
            result = guest => result,
            () = self.app.abort.cancelled() => Err(wasmtime::format_err!("the host shuts down")),
        };
        // The store goes last: with it end the streams whose readers look at `stopped`.
        match result {
            Ok(()) => self.stopped.store(left_unfinished(&mut store), Ordering::Release),
            Err(error) => {
                self.stopped.store(true, Ordering::Release);
                let spent = meter.total();
                let text = format!("the guest was stopped after {spent:?} of CPU time: {}", error.root_cause());
                self.span.failed(&text);
                self.app.log.host(&self.component.id, text);
            }
        }
    }
}

/// Whether a guest returned while it still held a body that it had neither finished nor dropped.
fn left_unfinished(store: &mut Store<Guest>) -> bool {
    store.data_mut().table.iter_mut().any(|entry| entry.is::<HostOutgoingBody>())
}

/// A response body that breaks off, instead of ending, when its guest was stopped.
struct Answer {
    body: WasiBody,
    stopped: Arc<AtomicBool>,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() && self.stopped.load(Ordering::Acquire) {
            return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
