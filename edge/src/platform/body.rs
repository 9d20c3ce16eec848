//! Request bodies, counted as they come: a declared length was checked by the decision, an undeclared one is here.

use futures_util::StreamExt as _;
use protocol::Code;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::{ByteStream, Response, ResponseBody};

/// The whole body, raw.
///
/// # Errors
/// `PayloadTooLarge`; `InvalidRequest` for a body that breaks off.
pub(super) async fn read(request: &web_sys::Request, cap: u32) -> Result<Vec<u8>, Code> {
    let Some(stream) = request.body() else { return Ok(Vec::new()) };
    if let Some(length) = declared(request) {
        // The platform holds a client to its declared length, and the decision held that to the cap.
        if length > u64::from(cap) {
            return Err(Code::PayloadTooLarge);
        }
        let promise = request.array_buffer().map_err(|_| Code::InvalidRequest)?;
        let buffer = wasm_bindgen_futures::JsFuture::from(promise).await.map_err(|_| Code::InvalidRequest)?;
        return Ok(js_sys::Uint8Array::new(&buffer).to_vec());
    }
    let mut body = Vec::new();
    let mut chunks = ByteStream::from(stream);
    while let Some(chunk) = chunks.next().await {
        body.extend(chunk.map_err(|_| Code::InvalidRequest)?);
        if body.len() > cap as usize {
            return Err(Code::PayloadTooLarge);
        }
    }
    Ok(body)
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
