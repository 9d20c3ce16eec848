//! Request bodies, counted as they come: a declared length was checked by the decision, an undeclared one is here. One that is
//! gathered has a time to arrive in ([`crate::pace`]).

use crate::pace;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use protocol::Code;
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::{ByteStream, Delay, Response, ResponseBody};

/// The whole body, raw.
///
/// # Errors
/// `PayloadTooLarge`; `BodyTimeout`; `InvalidRequest` for a body that breaks off.
pub(super) async fn read(request: &web_sys::Request, cap: u32) -> Result<Vec<u8>, Code> {
    let Some(stream) = request.body() else { return Ok(Vec::new()) };
    if let Some(length) = declared(request) {
        // The platform holds a client to its declared length, and the decision held that to the cap.
        if length > u64::from(cap) {
            return Err(Code::PayloadTooLarge);
        }
        let promise = request.array_buffer().map_err(|_| Code::InvalidRequest)?;
        let buffer = within(pace::due_ms(length), wasm_bindgen_futures::JsFuture::from(promise)).await?;
        let buffer = buffer.map_err(|_| Code::InvalidRequest)?;
        return Ok(js_sys::Uint8Array::new(&buffer).to_vec());
    }
    let mut body = Vec::new();
    let mut chunks = ByteStream::from(stream);
    let began_ms = now_ms();
    loop {
        let left_ms = pace::left_ms(began_ms, now_ms(), body.len() as u64)?;
        let Some(chunk) = within(left_ms, chunks.next()).await? else { break };
        body.extend(chunk.map_err(|_| Code::InvalidRequest)?);
        if body.len() > cap as usize {
            return Err(Code::PayloadTooLarge);
        }
    }
    Ok(body)
}

/// # Errors
/// `BodyTimeout`.
async fn within<T>(ms: u64, work: impl Future<Output = T>) -> Result<T, Code> {
    match select(pin!(work), pin!(Delay::from(Duration::from_millis(ms)))).await {
        Either::Left((done, _)) => Ok(done),
        Either::Right(_) => Err(Code::BodyTimeout),
    }
}

/// Unix time, ms.
fn now_ms() -> u64 {
    // Whole and positive, far below 2^53.
    js_sys::Date::now() as u64
}

/// A body on its way through.
pub(super) struct Through {
    /// For the request onward; undefined where there is no body.
    pub(super) stream: JsValue,
    /// Set once the body turned out longer than the cap; the stream has then failed.
    pub(super) exceeded: Rc<Cell<bool>>,
}

/// The body as a stream that fails past the cap. With a declared length it is the client's own stream, untouched.
///
/// # Errors
/// `Internal`.
pub(super) fn through(request: &web_sys::Request, cap: u32) -> Result<Through, Code> {
    let exceeded = Rc::new(Cell::new(false));
    let Some(stream) = request.body() else {
        return Ok(Through { stream: JsValue::UNDEFINED, exceeded });
    };
    if declared(request).is_some() {
        return Ok(Through { stream: stream.into(), exceeded });
    }
    let (mut left, flag) = (u64::from(cap), exceeded.clone());
    let counted = ByteStream::from(stream).map(move |chunk| {
        let chunk = chunk?;
        left = left.checked_sub(chunk.len() as u64).ok_or_else(|| {
            flag.set(true);
            worker::Error::RustError("body over the limit".to_owned())
        })?;
        Ok::<_, worker::Error>(chunk)
    });
    // The `worker` crate makes JavaScript streams for responses alone; the stream is what is wanted.
    let response = Response::from_stream(counted).map_err(|_| Code::Internal)?;
    match response.body() {
        ResponseBody::Stream(stream) => Ok(Through { stream: stream.clone().unchecked_into(), exceeded }),
        _ => Err(Code::Internal),
    }
}

fn declared(request: &web_sys::Request) -> Option<u64> {
    request.headers().get("content-length").ok().flatten()?.parse().ok()
}
