//! A set of services as one machine word.

use crate::ids::{Ix, ServiceIx};

/// A set of services of one model. A unit's requirement is one; so is what a shard starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceSet(u64);

impl ServiceSet {
    /// How many services a model can have.
    pub const MAX_SERVICES: usize = 64;
    /// No service.
    pub const EMPTY: Self = Self(0);

    /// Returns whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns how many there are.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Returns the services of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the services of this one that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns whether every service of `other` is in this one.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Returns whether the service is in the set.
    #[must_use]
    pub fn contains(self, service: ServiceIx) -> bool {
        self.0 >> service.0 & 1 == 1
    }

    /// Adds a service.
    pub fn insert(&mut self, service: ServiceIx) {
        debug_assert!(service.position() < Self::MAX_SERVICES, "the configuration allows 64 services");
        self.0 |= 1 << service.0;
    }

    /// Returns the services in their order.
    pub fn iter(self) -> impl Iterator<Item = ServiceIx> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let next = (rest != 0).then(|| rest.trailing_zeros())?;
            rest &= rest - 1;
            Some(ServiceIx(next))
        })
    }
}

impl FromIterator<ServiceIx> for ServiceSet {
    fn from_iter<I: IntoIterator<Item = ServiceIx>>(services: I) -> Self {
        let mut set = Self::EMPTY;
        for service in services {
            set.insert(service);
        }
        set
    }
}
