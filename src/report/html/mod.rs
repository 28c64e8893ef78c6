//! The report as one page that needs nothing else: no network, no font, no library.
//!
//! Everything that the page says stands in its HTML; the script only lets people sort, filter and ask marks for their
//! numbers. Names from the repository under test are texts to `maud`, which escapes them; should one get through
//! all the same, the page's content policy lets no script run but the one whose digest it bears.

mod page;
pub mod report_v1;
mod tables;

pub use page::render;
