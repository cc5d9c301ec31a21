use std::fmt;
use std::net::{AddrParseError, SocketAddr};

#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub listen: SocketAddr,
}

impl Default for Config {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)) }
    }
}

#[derive(Debug)]
pub struct ConfigError {
    name: &'static str,
    value: String,
    source: AddrParseError,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?} is no address such as 0.0.0.0:8080", self.name, self.value)
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl Config {
    /// The defaults, overridden by what `lookup` knows.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        if let Some(value) = lookup("LISTEN").filter(|value| !value.is_empty()) {
            config.listen = match value.parse() {
                Ok(address) => address,
                Err(source) => return Err(ConfigError { name: "LISTEN", value, source }),
            };
        }
        Ok(config)
    }
}
