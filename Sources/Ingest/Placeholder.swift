// Replaced by the room's first type.
