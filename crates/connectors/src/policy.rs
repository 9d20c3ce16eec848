//! Which requests pass.

pub(crate) mod graphql;
