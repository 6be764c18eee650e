//! Each type against a temporary root.
