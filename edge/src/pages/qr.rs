//! A QR code as inline SVG: dark on light whatever the colours of the page, since cameras want it so.

use maud::{Markup, html};
use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::Write as _;

/// Light modules around the code (ISO/IEC 18004).
const QUIET: i32 = 4;

/// The code; `None` for more text than one holds.
pub(super) fn svg(text: &str, label: &str) -> Option<Markup> {
    let code = QrCode::encode_binary(text.as_bytes(), QrCodeEcc::Medium).ok()?;
    let size = code.size();
    let mut path = String::new();
    for y in 0..size {
        for x in (0..size).filter(|x| code.get_module(*x, y)) {
            // Writing to a `String` cannot fail.
            let _ = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    let side = size + 2 * QUIET;
    Some(html! {
        svg.qr viewBox=(format!("-{QUIET} -{QUIET} {side} {side}")) role="img" aria-label=(label) shape-rendering="crispEdges" {
            rect x=(-QUIET) y=(-QUIET) width=(side) height=(side) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    })
}
