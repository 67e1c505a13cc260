/// How far a long task is, on the standard error: a bar on a terminal, plain lines elsewhere. What is over
/// quickly shows nothing.
final class ProgressReport {
    private let title: String
    private let unit: String
    private let isTerminal = StandardError.isTerminal
    private let clock = ContinuousClock()
    private let started: ContinuousClock.Instant
    private var nextDue: ContinuousClock.Instant
    private var isShown = false

    /// - Parameter unit: of what is counted, in the plural: `events`, `bytes`.
    init(_ title: String, unit: String) {
        self.title = title
        self.unit = unit
        started = clock.now
        nextDue = started.advanced(by: .milliseconds(CommandLimits.progressDelayMilliseconds))
        if !isTerminal {
            nextDue = started.advanced(by: .milliseconds(CommandLimits.progressLineMilliseconds))
        }
    }

    deinit {
        finish()
    }

    /// - Parameter total: null where nobody knows.
    func update(_ done: UInt64, of total: UInt64?) {
        let now = clock.now
        guard now >= nextDue else { return }
        let pause =
            isTerminal ? CommandLimits.progressBarMilliseconds : CommandLimits.progressLineMilliseconds
        nextDue = now.advanced(by: .milliseconds(pause))
        isShown = true
        let seconds = Self.seconds(started.duration(to: now))
        let rate = seconds > 0 ? Double(done) / seconds : 0
        var line = "\(title): "
        if let total, total > 0 {
            let share = min(1, Double(done) / Double(total))
            if isTerminal { line += "\(Bar.text(share, cells: 24))▏" }
            line += "\(Int(share * 100)) %  "
        }
        line += "\(count(done))\(total.map { " of \(count($0))" } ?? "") \(unit)  \(count(UInt64(rate)))/s"
        if let total, rate > 0, total > done {
            line += "  \(HumanDuration.text(seconds: Int64(Double(total - done) / rate) + 1)) left"
        }
        StandardError.write(isTerminal ? "\r\u{1B}[K\(line)" : line + "\n")
    }

    /// Takes the bar away.
    func finish() {
        if isShown, isTerminal { StandardError.write("\r\u{1B}[K") }
        isShown = false
    }

    private func count(_ number: UInt64) -> String {
        unit == "bytes" ? HumanCount.bytes(number) : HumanCount.grouped(number)
    }

    static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }
}

/// Numbers as people read them.
enum HumanCount {
    /// `1,234,567`
    static func grouped(_ number: UInt64) -> String {
        var text = ""
        for (index, digit) in String(number).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }

    /// `1 call`, `2 calls`
    static func of(_ number: Int, _ singular: String, _ plural: String) -> String {
        "\(grouped(UInt64(max(number, 0)))) \(number == 1 ? singular : plural)"
    }

    /// `12.3 MiB`
    static func bytes(_ number: UInt64) -> String {
        var value = Double(number)
        for unit in ["bytes", "KiB", "MiB", "GiB"] {
            if value < 1024 || unit == "GiB" {
                if unit == "bytes" { return "\(number) bytes" }
                return "\(Double(Int(value * 10)) / 10) \(unit)"
            }
            value /= 1024
        }
        return "\(number) bytes"
    }
}
