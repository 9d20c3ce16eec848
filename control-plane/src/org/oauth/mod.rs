//! OAuth connections: a person grants access at the provider, and the org's object keeps what was granted.

mod refresh;
mod tokens;

pub(super) use refresh::access_token;
pub use tokens::{AccessToken, AccessTokens};
