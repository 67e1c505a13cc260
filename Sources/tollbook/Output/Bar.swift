/// A bar of a chart, made of eighths of cells.
enum Bar {
    private static let eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

    /// - Parameter share: 0 to 1. What is above 0 shows.
    static func text(_ share: Double, cells: Int = 10) -> String {
        let share = min(max(share, 0), 1)
        var parts = Int((share * Double(cells * 8)).rounded())
        if share > 0 { parts = max(parts, 1) }
        let full = String(repeating: "█", count: parts / 8) + eighths[parts % 8]
        return full + String(repeating: " ", count: cells - full.count)
    }

    /// The bar and the share in percent: `██████▌    65 %`.
    static func labelled(_ part: Int64, of whole: Int64, cells: Int = 10) -> String {
        guard whole > 0 else { return AnswerFields.none }
        let share = Double(part) / Double(whole)
        let percent = String(Int((share * 100).rounded()))
        return "\(text(share, cells: cells)) \(String(repeating: " ", count: 3 - percent.count))\(percent) %"
    }
}
