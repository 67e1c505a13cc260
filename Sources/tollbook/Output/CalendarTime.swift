/// Times as people write them (RFC 3339, always UTC when written here), to and from microseconds since 1970.
enum CalendarTime {
    private static let microsecondsPerDay: Int64 = 86_400_000_000

    /// Year, month and day of a day counted from 1970-01-01.
    static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        // Years begin in March here, so that a leap day is the last of its year.
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let year = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (year + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// The day counted from 1970-01-01; null where there is no such date.
    static func day(year: Int64, month: Int64, day: Int64) -> Int64? {
        guard (1...12).contains(month), day >= 1 else { return nil }
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let number = era * 146_097 + dayOfEra - 719_468
        let back = date(ofDay: number)
        return back.month == month && back.day == day ? number : nil
    }

    /// As `2026-03-04T05:06:07.123456Z`, with as many digits of the fraction as asked for, cut and not
    /// rounded.
    static func text(_ microseconds: Int64, fractionDigits: Int = 6) -> String {
        var days = microseconds / microsecondsPerDay
        var rest = microseconds % microsecondsPerDay
        if rest < 0 {
            days -= 1
            rest += microsecondsPerDay
        }
        let date = date(ofDay: days)
        let seconds = rest / 1_000_000
        var text = padded(date.year, 4) + "-" + padded(date.month, 2) + "-" + padded(date.day, 2) + "T"
        text += padded(seconds / 3600, 2) + ":" + padded(seconds / 60 % 60, 2) + ":" + padded(seconds % 60, 2)
        if fractionDigits > 0 {
            text += "." + padded(rest % 1_000_000, 6).prefix(fractionDigits)
        }
        return text + "Z"
    }

    /// Reads a number of microseconds, an RFC 3339 time, or an RFC 3339 date, which stands for its first
    /// moment UTC.
    ///
    /// Fractions beyond microseconds are rounded up, so that "before" and "from … on" mean what they say.
    static func parse(_ text: String) -> Int64? {
        if let number = Int64(text) { return number >= 0 ? number : nil }
        var rest = Substring(text)
        guard let year = number(&rest, digits: 4), take(&rest, "-"), let month = number(&rest, digits: 2),
            take(&rest, "-"), let dayOfMonth = number(&rest, digits: 2),
            let day = day(year: year, month: month, day: dayOfMonth)
        else { return nil }
        if rest.isEmpty { return day >= 0 ? day * microsecondsPerDay : nil }
        guard take(&rest, "T") || take(&rest, "t") || take(&rest, " "), let hour = number(&rest, digits: 2),
            take(&rest, ":"), let minute = number(&rest, digits: 2), take(&rest, ":"),
            let second = number(&rest, digits: 2), hour < 24, minute < 60, second <= 60
        else { return nil }
        var fraction: Int64 = 0
        if take(&rest, ".") {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard !digits.isEmpty else { return nil }
            rest = rest.dropFirst(digits.count)
            let kept = digits.prefix(6)
            fraction = (Int64(kept) ?? 0) * powerOfTen(6 - kept.count)
            if digits.dropFirst(6).contains(where: { $0 != "0" }) { fraction += 1 }
        }
        guard let offset = offsetSeconds(&rest), rest.isEmpty else { return nil }
        let seconds = day * 86_400 + hour * 3600 + minute * 60 + second - offset
        let microseconds = seconds * 1_000_000 + fraction
        return microseconds >= 0 ? microseconds : nil
    }

    private static func offsetSeconds(_ rest: inout Substring) -> Int64? {
        if take(&rest, "Z") || take(&rest, "z") { return 0 }
        let sign: Int64 = rest.first == "-" ? -1 : 1
        guard take(&rest, "+") || take(&rest, "-"), let hours = number(&rest, digits: 2), take(&rest, ":"),
            let minutes = number(&rest, digits: 2), hours < 24, minutes < 60
        else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }

    private static func number(_ rest: inout Substring, digits: Int) -> Int64? {
        let part = rest.prefix(digits)
        guard part.count == digits, part.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        rest = rest.dropFirst(digits)
        return Int64(part)
    }

    private static func take(_ rest: inout Substring, _ character: Character) -> Bool {
        guard rest.first == character else { return false }
        rest = rest.dropFirst()
        return true
    }

    private static func powerOfTen(_ exponent: Int) -> Int64 {
        (0..<exponent).reduce(1) { power, _ in power * 10 }
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

/// Durations as people read them.
enum HumanDuration {
    static func text(microseconds: Int64) -> String {
        if microseconds < 0 { return "-" + text(microseconds: microseconds == .min ? .max : -microseconds) }
        switch microseconds {
        case 0: return "0 s"
        case ..<1_000: return "\(microseconds) µs"
        case ..<1_000_000: return "\(microseconds / 1_000) ms"
        case ..<60_000_000: return "\(microseconds / 1_000_000).\(microseconds / 100_000 % 10) s"
        default: return text(seconds: microseconds / 1_000_000)
        }
    }

    static func text(seconds: Int64) -> String {
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        switch seconds {
        case ..<60: return "\(seconds) s"
        case ..<3_600: return "\(seconds / 60)m \(two(seconds % 60))s"
        case ..<86_400: return "\(seconds / 3_600)h \(two(seconds / 60 % 60))m \(two(seconds % 60))s"
        default: return "\(seconds / 86_400)d \(two(seconds / 3_600 % 24))h \(two(seconds / 60 % 60))m"
        }
    }
}
