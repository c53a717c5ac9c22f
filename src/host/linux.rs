//! What Linux tells of itself: `/proc`, `/sys` and cgroups.
