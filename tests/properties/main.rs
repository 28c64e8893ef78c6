//! Properties that hold for every input, in one binary.

mod history;
