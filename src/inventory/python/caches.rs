//! Django's caches: which of them is meant, and where it lies.

use super::hints::hints_of;
use super::links::{Linker, TouchKind, has_keyword};
use super::patches::{CACHES, marks_of_external};
use super::program::{How, Use};
use super::resolve::Target;
use super::signs::Called;

impl<'s> Linker<'_, '_, 's, '_, '_> {
    /// `throttle_classes = [UserRateThrottle]`: what counts the requests of a view keeps the count in the cache.
    pub(super) fn throttle(&mut self, used: &Use<'s>, class: &Target, via: &[u64]) {
        let paths: Vec<String> = match class {
            Target::Scope(class) => {
                let order = self.resolver.mro(*class);
                let outside = order.iter().filter_map(|base| match base {
                    Target::External(path) => Some(path.clone()),
                    _ => None,
                });
                outside.collect()
            }
            Target::External(path) => vec![path.clone()],
            Target::Instance(_) => Vec::new(),
        };
        for path in paths {
            if matches!(self.book.call(&path), Some(Called::Cache)) {
                self.cache(used, &path, via);
            }
        }
    }

    pub(super) fn cache(&mut self, used: &Use<'s>, path: &str, via: &[u64]) {
        let services = match used.how {
            How::Key(key) => {
                let hints = hints_of(self.resolver, self.scope, [key]);
                if hints.open.is_empty() {
                    self.book.caches_named(&hints.texts)
                } else {
                    self.book.caches.clone()
                }
            }
            How::Call(call) if has_keyword(call, &["cache"]) => self.book.caches.clone(),
            _ if path.contains(".caches") => self.book.caches.clone(),
            _ => self.book.cache.clone(),
        };
        let via: Vec<u64> = via.iter().copied().chain(marks_of_external(CACHES)).collect();
        for service in services {
            self.touch(used, service, TouchKind::Client, path, &via);
        }
    }
}
