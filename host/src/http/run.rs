//! Runs one instance for one request.

use super::response::{InstanceBody, empty};
use crate::application::{Application, Place};
use crate::component::Component;
use crate::instance::Instance;
use crate::trace::{Span, Trace};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt as _;
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

/// Runs an instance and returns when it has set its response; the instance runs on until it returns, also when the
/// client is gone. When it fails before that, the response is 500 with an empty body.
pub async fn respond<B>(
    application: &Arc<Application>,
    component: &Arc<Component>,
    request: Request<B>,
    trace: Trace,
    place: Place,
) -> Response<WasiBody>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Error>,
{
    let fail = |reason: String| {
        application.services.log.host(&component.grants.component, reason);
        empty(StatusCode::INTERNAL_SERVER_ERROR)
    };
    let (sender, mut receiver) = oneshot::channel();
    let span = trace.execution(&component.grants.component);
    let mut store = component.store(&application.services, application.clone(), span.trace());
    let (request, outparam) = match prepare(&mut store, request, sender) {
        Ok(resources) => resources,
        Err(error) => return fail(format!("the request cannot be passed on: {error:#}")),
    };
    let stopped = Arc::new(AtomicBool::new(false));
    let task = Task {
        application: application.clone(),
        component: component.clone(),
        stopped: stopped.clone(),
        span,
        _place: place,
    };
    let mut instance = Running { application, instance: Some(Box::pin(task.run(store, request, outparam))) };
    let response = tokio::select! {
        biased;
        () = &mut instance => receiver.try_recv().ok(),
        response = &mut receiver => response.ok(),
    };
    match response {
        Some(Ok(response)) => response.map(|body| InstanceBody { body, stopped }.boxed_unsync()),
        Some(Err(code)) => fail(format!("the component answered with an error: {code:?}")),
        // Either the instance was stopped, which its task has logged, or it has returned.
        None if stopped.load(Ordering::Acquire) => empty(StatusCode::INTERNAL_SERVER_ERROR),
        None => fail("the component returned without a response".to_owned()),
    }
}

type Resources = (Resource<HostIncomingRequest>, Resource<HostResponseOutparam>);
type ResponseSender = oneshot::Sender<Result<Response<WasiBody>, ErrorCode>>;

fn prepare<B>(store: &mut Store<Instance>, request: Request<B>, sender: ResponseSender) -> wasmtime::Result<Resources>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Error>,
{
    let mut http = store.data_mut().http();
    Ok((http.new_incoming_request(Scheme::Http, request)?, http.new_response_outparam(sender)?))
}

/// Polls an instance inside the request's own task; if it returns together with its response, this saves a spawn and
/// two context switches. Dropped before the instance has returned, this moves the instance to a task of its own.
struct Running<'a, I: Future<Output = ()> + Send + 'static> {
    application: &'a Application,
    instance: Option<Pin<Box<I>>>,
}

impl<I: Future<Output = ()> + Send + 'static> Future for Running<'_, I> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if let Some(instance) = &mut self.instance {
            ready!(instance.as_mut().poll(context));
            self.instance = None;
        }
        Poll::Ready(())
    }
}

impl<I: Future<Output = ()> + Send + 'static> Drop for Running<'_, I> {
    fn drop(&mut self) {
        if let Some(instance) = self.instance.take() {
            self.application.tasks.spawn_on(instance, &self.application.runtime);
        }
    }
}

struct Task {
    application: Arc<Application>,
    component: Arc<Component>,
    stopped: Arc<AtomicBool>,
    span: Span,
    _place: Place,
}

impl Task {
    async fn run(
        mut self,
        mut store: Store<Instance>,
        request: Resource<HostIncomingRequest>,
        outparam: Resource<HostResponseOutparam>,
    ) {
        let meter = store.data().meter.clone();
        let instance = meter.measure(async {
            let proxy = self.component.pre.instantiate_async(&mut store).await?;
            proxy.wasi_http_incoming_handler().call_handle(&mut store, request, outparam).await
        });
        let result = tokio::select! {
            biased;
            result = instance => result,
            reason = meter.stopped() => Err(wasmtime::format_err!("{reason}")),
            () = self.application.abort.cancelled() => Err(wasmtime::format_err!("the host shuts down")),
        };
        // The store is dropped after this: that ends the streams, whose readers then look at `stopped`.
        match result {
            Ok(()) => self.stopped.store(left_unfinished(&mut store), Ordering::Release),
            Err(error) => {
                self.stopped.store(true, Ordering::Release);
                let spent = meter.total();
                let text = format!("the instance was stopped after {spent:?} of CPU time: {}", error.root_cause());
                self.span.failed(&text);
                self.application.services.log.host(&self.component.grants.component, text);
            }
        }
    }
}

/// Whether an instance returned while it held a body that it had neither finished nor dropped.
fn left_unfinished(store: &mut Store<Instance>) -> bool {
    store.data_mut().table.iter_mut().any(|entry| entry.is::<HostOutgoingBody>())
}
