use crate::series::Series;

const WINDOW: usize = 30;

/// One tile; drawn from the first sample on.
pub struct Tile {
    pub title: String,
    pub series: Series,
}

impl Tile {
    pub fn headline(&self) -> String {
        let arrow = match self.series.trend(WINDOW) {
            Some(change) if change > 0.0 => "up",
            Some(change) if change < 0.0 => "down",
            _ => "steady",
        };
        match self.series.average(WINDOW) {
            Some(value) => format!("{}: {value:.1} ({arrow})", self.title),
            None => format!("{}: no data", self.title),
        }
    }
}
