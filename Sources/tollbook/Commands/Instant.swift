import ArgumentParser
import Events

/// A time on the command line: RFC 3339, or microseconds since 1970.
struct Instant: ExpressibleByArgument {
    let timestamp: Timestamp

    init?(argument: String) {
        guard let microseconds = CalendarTime.parse(argument), microseconds <= Timestamp.last.rawValue else {
            return nil
        }
        timestamp = Timestamp(rawValue: microseconds)
    }
}
