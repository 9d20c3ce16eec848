//! OAuth connections: a person grants access at the provider, and the org's object keeps what was granted.

mod tokens;

pub use tokens::AccessTokens;
