//! Every test of the program as its users see it, in one binary.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod audit;
mod broken_sources;
mod cli;
mod collected;
mod docs;
mod emitted;
mod ingest;
mod needs;
mod needs_by_address;
mod needs_by_argument;
mod needs_by_mark;
mod needs_by_name;
mod needs_by_path;
mod needs_by_plugin;
mod needs_by_request;
mod needs_by_settings;
mod needs_of_classes;
mod needs_replaced;
mod offered;
mod run;
mod schemas;
mod seeded;
mod tidy;
