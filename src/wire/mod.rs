//! The bodies of requests and answers: one contract, compiled by both sides.
