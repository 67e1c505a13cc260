import ArgumentParser

/// How call records are written: as every answer, or as SQL for a proxy's own tables.
enum RecordFormat: String, CaseIterable, ExpressibleByArgument {
    case table, ndjson, csv
    /// INSERTs into OpenSIPS' `acc` and `missed_calls`.
    case opensips
    /// INSERTs into Kamailio's `acc`, `acc_cdrs` and `missed_calls`.
    case kamailio

    /// The tables of a proxy; null for the formats that every answer has.
    var proxy: ProxyTables? {
        switch self {
        case .table, .ndjson, .csv: nil
        case .opensips: .opensips
        case .kamailio: .kamailio
        }
    }
}

struct RecordFormatOptions: ParsableArguments {
    @Option(
        help: """
            table, ndjson or csv, as everywhere; opensips or kamailio: SQL that fills the tables of that proxy's own \
            call records.
            """)
    var format: RecordFormat?

    /// The format, where it is one that every answer has.
    func resolved(for output: StandardOutput) -> OutputFormat {
        format.flatMap { OutputFormat(rawValue: $0.rawValue) } ?? (output.isTerminal ? .table : .ndjson)
    }
}
