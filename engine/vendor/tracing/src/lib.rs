//! Stands in for tracing: what noq-proto says of its work goes nowhere in the engine, for which qlog tells more.
//!
//! With the real crate events cost nothing either, but spans do: an empty one is a value that is dropped at each end of
//! each function that has one. noq-proto's `handle_packet` has 2.8 KB of WebAssembly without them; it had 4.4.

#[macro_export]
macro_rules! nothing { ($($_:tt)*) => {{}}; }

pub use nothing as trace;
pub use nothing as debug;
pub use nothing as info;
pub use nothing as warn;
pub use nothing as error;

#[macro_export]
macro_rules! trace_span { ($($_:tt)*) => { $crate::Span }; }

/// A span that nobody sees.
#[derive(Clone, Copy, Debug)]
pub struct Span;

impl Span {
    pub fn enter(&self) -> span::Entered {
        span::Entered
    }

    pub fn entered(self) -> span::EnteredSpan {
        span::EnteredSpan
    }
}

pub mod span {
    #[derive(Debug)]
    pub struct Entered;
    #[derive(Debug)]
    pub struct EnteredSpan;
}
