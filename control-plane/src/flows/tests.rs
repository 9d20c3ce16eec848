//! The flows over native databases: every object is the real one but the org, which is a small model of what it promises.
//! A flow can be cut off before any of its asks, and two can run step by step beside each other.

mod email;
mod keys;
mod operator;
mod orgs;
mod password;
mod second_factor;
mod sign_in;
mod sign_up;
mod world;
