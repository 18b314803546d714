//! How many connections there may be, in all and of one address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::HttpConfig;

/// Connections of one address on another machine when nothing is said.
const PER_ADDRESS: usize = 128;

/// Places for connections.
pub(super) struct Places {
    max: usize,
    per_address_max: Option<usize>,
    taken: Mutex<BTreeMap<IpAddr, usize>>,
}

/// A place, free again when it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// All are taken.
    All,
    /// Those of the address are.
    OfAddress,
}

impl Places {
    pub(super) fn new(config: &HttpConfig) -> Arc<Self> {
        let (max, per_address_max) = (config.connections_max, config.connections_per_address_max);
        Arc::new(Self { max, per_address_max, taken: Mutex::default() })
    }

    /// Takes a place for a connection from `address`.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Result<Place, Full> {
        let address = address.to_canonical();
        let here = if address.is_loopback() { usize::MAX } else { PER_ADDRESS };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.values().sum::<usize>() >= self.max {
            return Err(Full::All);
        }
        let of_address = taken.entry(address).or_default();
        if *of_address >= self.per_address_max.unwrap_or(here) {
            return Err(Full::OfAddress);
        }
        *of_address += 1;
        Ok(Place { places: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(n) = taken.get_mut(&self.address) {
            *n -= 1;
            if *n == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_and_given_back() {
        let config = HttpConfig { connections_max: 3, connections_per_address_max: Some(2), ..HttpConfig::default() };
        let places = Places::new(&config);
        let take = |last: u8| places.take([10, 0, 0, last].into());
        let (first, _second) = (take(1).unwrap(), take(1).unwrap());
        assert_eq!(take(1).err(), Some(Full::OfAddress));
        let _other = take(2).unwrap();
        assert_eq!(take(3).err(), Some(Full::All));
        drop(first);
        assert!(take(1).is_ok());
    }

    #[test]
    fn this_machine_is_spared_unless_told() {
        let places = Places::new(&HttpConfig::default());
        let n_taken = |address: IpAddr| {
            let taken: Vec<_> = (0..=PER_ADDRESS).map_while(|_| places.take(address).ok()).collect();
            taken.len()
        };
        assert_eq!(n_taken([127, 0, 0, 1].into()), PER_ADDRESS + 1);
        assert_eq!(n_taken([10, 0, 0, 1].into()), PER_ADDRESS);
    }
}
