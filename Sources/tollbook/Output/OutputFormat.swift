import ArgumentParser

/// How an answer is written.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    /// For people.
    case table
    /// One JSON object a line (RFC 8259).
    case ndjson
    /// RFC 4180, with the names of the fields in the first line.
    case csv
}

struct FormatOptions: ParsableArguments {
    @Option(help: "table, ndjson or csv; without it a table on a terminal and ndjson elsewhere.")
    var format: OutputFormat?

    func resolved(for output: StandardOutput) -> OutputFormat {
        format ?? (output.isTerminal ? .table : .ndjson)
    }
}
