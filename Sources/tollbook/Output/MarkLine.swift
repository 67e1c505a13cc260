import Foundation

/// The marks of a leg on one line: each interval with who refreshes and how it went, equal ones counted.
enum MarkLine {
    private struct Mark: Decodable, Equatable {
        let interval: Int64
        let refresher: String?
        let verdict: String?
    }

    /// - Parameter json: the list that `timers` gives as `marks`.
    static func text(_ json: String) -> String {
        guard let marks = try? JSONDecoder().decode([Mark].self, from: Data(json.utf8)), !marks.isEmpty else {
            return AnswerFields.none
        }
        var parts: [(mark: Mark, count: Int)] = []
        for mark in marks {
            if parts.last?.mark == mark {
                parts[parts.count - 1].count += 1
            } else {
                parts.append((mark, 1))
            }
        }
        return parts.map { part in
            guard part.mark.interval > 0 else { return "no timer" }
            let refresher = part.mark.refresher.map { " \($0)" } ?? ""
            let verdict = part.mark.verdict.map { " \($0)" } ?? ""
            return "\(part.mark.interval) s\(refresher)\(verdict)\(part.count > 1 ? " ×\(part.count)" : "")"
        }.joined(separator: ", ")
    }
}
