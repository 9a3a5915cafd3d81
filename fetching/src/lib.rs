//! Saving a diagnosis as it comes, on either side of a call: the whole file, or none.

mod bar;
mod place;
mod stream;

pub use bar::bar;
pub use place::Place;
pub use stream::{FetchError, Step, fetch};
