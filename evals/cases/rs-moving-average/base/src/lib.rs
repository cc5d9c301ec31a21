pub mod series;
pub mod dashboard;
