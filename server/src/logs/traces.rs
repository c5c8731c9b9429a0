//! Spans, as a collector takes them: OpenTelemetry's protocol, OTLP, over HTTP.
//!
//! A request's span goes on with the trace of whoever sent it, by the header `traceparent` of
//! [W3C Trace Context](https://www.w3.org/TR/trace-context/); what is logged on its way is an event in it.

use std::{error::Error, time::Duration};

use async_trait::async_trait;
use axum::body::{Body, Bytes, to_bytes};
use http::{HeaderMap, Request, Response};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use opentelemetry::{propagation::TextMapPropagator as _, trace::TracerProvider as _};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt as _};
use tracing_subscriber::{Layer, registry::LookupSpan};

/// Where spans go, which are gathered and sent by a thread of its own.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends them to the collector at this address, as those of this service.
    ///
    /// # Errors
    /// When the address cannot be used. Whether anybody is there is not looked at.
    pub fn to(endpoint: &str, service: &str) -> Result<Self, Box<dyn Error>> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender::new())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .build()?;
        let service = Resource::builder().with_service_name(service.to_owned());
        let provider = SdkTracerProvider::builder()
            // Whatever a request says: anybody may send one.
            .with_sampler(Sampler::AlwaysOn)
            .with_batch_exporter(exporter)
            .with_resource(service.build());
        Ok(Self(provider.build()))
    }

    /// What takes the spans.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync>(
        &self,
    ) -> Box<dyn Layer<S> + Send + Sync> {
        OpenTelemetryLayer::new(self.0.tracer("forum")).boxed()
    }

    /// Sends what is left: for five seconds at most.
    pub async fn end(self) {
        let sent = tokio::task::spawn_blocking(move || self.0.shutdown()).await;
        if let Ok(Err(error)) = sent {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// The span goes on with the trace that a request names.
pub fn go_on(span: &Span, headers: &HeaderMap) {
    let named = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    // Where no collector is there, nobody wants it.
    let _ = span.set_parent(named);
}

/// How long the collector may take to answer, and how long its answer may be, in bytes.
const PATIENCE: Duration = Duration::from_secs(5);
const MOST: usize = 64 * 1024;

/// Sends what was gathered, for a thread that is none of tokio's.
#[derive(Debug)]
struct Sender {
    client: Client<HttpConnector, Body>,
    runtime: tokio::runtime::Handle,
}

impl Sender {
    fn new() -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            runtime: tokio::runtime::Handle::current(),
        }
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let answer = async move {
            let (head, body) = client.request(request.map(Body::from)).await?.into_parts();
            let body = to_bytes(Body::new(body), MOST).await?;
            Ok(Response::from_parts(head, body))
        };
        // Not made here: this thread has no clock of tokio's.
        let in_time = async { tokio::time::timeout(PATIENCE, answer).await };
        self.runtime.spawn(in_time).await??
    }
}
