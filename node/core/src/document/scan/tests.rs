//! Good changes pass, everything else is refused, and no bytes bring the scan down.
