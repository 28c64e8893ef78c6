//! Plans how to split a slow CI test job into lanes and shards, within a budget of service containers.
//!
//! The pipeline, from a manifest and an inventory to a checked plan:
//!
//! ```
//! use shardplan::config::{Config, Origin, Sourced};
//! use shardplan::estimate::{Estimates, fit_overheads};
//! use shardplan::history::Observed;
//! use shardplan::inventory::Inventory;
//! use shardplan::model::{Inputs, Limits};
//!
//! let config = Config::parse(
//!     r#"
//!     [services.postgres]
//!     fixtures = ["db"]
//!     [lanes.tests]
//!     "#,
//!     "shardplan.toml",
//! )?;
//! let inventory = Inventory::parse(
//!     b"test,fixtures\ntests/test_cart.py::test_add,db\ntests/test_math.py::test_sum,\n",
//!     "inventory.csv",
//! )?;
//! let observed = Observed::default(); // what `history::load` returns for a project without a history
//! let estimates = Estimates::from_history(&observed, config.history.half_life);
//! let overheads = fit_overheads(&config, &observed);
//!
//! let inputs = Inputs { config: &config, inventory: &inventory, estimates: &estimates, overheads: &overheads };
//! let limits = Limits {
//!     containers: Some(Sourced::new(1, Origin::CommandLine("--budget"))),
//!     ..Limits::default()
//! };
//! let (model, plan) = shardplan::plan::suggest(inputs, &limits, None)?;
//! assert_eq!(plan.containers, 1);
//! assert!(plan.bound.at <= plan.end);
//! assert_eq!(plan.shards.iter().map(|shard| shard.tests).sum::<usize>(), 2);
//! # let _ = model;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The modules stand in the order in which data flows; a module may use those above it.

pub mod audit;
pub mod cli;
pub mod config;
pub mod emit;
pub mod estimate;
pub mod history;
pub mod ids;
pub mod ingest;
pub mod inventory;
pub mod model;
pub mod plan;
pub mod report;
pub mod solve;
pub mod time;
pub mod workflow;
