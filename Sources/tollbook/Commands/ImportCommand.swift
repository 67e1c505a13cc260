import ArgumentParser
import Crypto
import EventLog
import Events
import Foundation
import Glibc
import Ingest

/// `tollbook import`
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Appends events from NDJSON files.",
        discussion: """
            A line is either {"source","epoch","seq","event"}, as `events` prints it, and keeps its identity; or a bare
            event, whose source is made from the file's contents. Either way importing a file again adds nothing. An
            invalid event goes into the log as rejected, with its bytes. Exit status 1 where a line is too long for that.

            EXAMPLES
              tollbook import calls.ndjson
              tollbook import --data /var/lib/tollbook backup-*.ndjson
              tollbook events --data old | tollbook import --data new -
            """)

    @OptionGroup var data: DataOptions

    @Option(help: ArgumentHelp("Size of new segments of the log.", valueName: "bytes"))
    var segmentBytes: Int?
    @Argument(help: ArgumentHelp("Files to import; - is the standard input.", valueName: "file"))
    var files: [String]

    func run() throws {
        let directory = data.directory
        // Everything that can't be read is found before anything is changed.
        let inputs = try files.map { try ImportInput($0) }
        guard let log = try directory.openLogIfFree(segmentBytes: segmentBytes) else {
            throw CommandFailure(
                .environment,
                "another process has the ledger in \(directory.path): stop it before an import, or send it the events"
            )
        }
        defer { log.close() }
        log.startMaintenance()
        let report = try take(inputs, into: log)
        say(report)
        try ReadModelUpkeep(directory: directory).catchUp(log)
        if report.unreadable > 0 {
            throw CommandFailure(
                .answerIsNo,
                "\(HumanCount.of(Int(report.unreadable), "line is", "lines are")) not in the ledger: an event has at most "
                    + "65,536 bytes, and what is this long can't be kept as rejected either")
        }
    }

    private func take(_ inputs: [ImportInput], into log: LogDirectory) throws -> ImportReport {
        var importer = try Importer(log: log)
        let progress = ProgressReport("importing", unit: "bytes")
        let total = inputs.reduce(0) { $0 + $1.byteCount }
        var done: UInt64 = 0
        for input in inputs {
            importer.begin(input.name, bare: input.bareSource)
            try input.forEachPiece { piece in
                try importer.take(piece.span)
                done += UInt64(piece.count)
                progress.update(done, of: total)
            }
            try importer.endFile()
        }
        return try importer.finish()
    }

    private func say(_ report: ImportReport) {
        for fault in report.faults { StandardError.writeLine("\(DisplayText.harmless(fault.description))") }
        let named = UInt64(report.faults.count)
        let faults = report.rejected + report.conflicts + report.unreadable
        if faults > named { StandardError.writeLine("… and \(HumanCount.grouped(faults - named)) more") }
        var parts = ["\(HumanCount.grouped(report.events)) events added"]
        for (count, what) in [
            (report.duplicates, "were there already"), (report.rejected, "rejected"),
            (report.conflicts, "in conflict with what is there"), (report.unreadable, "lines unreadable"),
        ] where count > 0 {
            parts.append("\(HumanCount.grouped(count)) \(what)")
        }
        StandardError.writeLine(
            "imported \(HumanCount.grouped(report.lines)) lines: \(parts.joined(separator: ", "))")
    }
}

/// A file to be imported, with the hash of its bytes, by which its bare events are known.
private struct ImportInput {
    /// How the caller calls it.
    let name: String
    let bareSource: SourceName
    let byteCount: UInt64
    private let handle: FileHandle

    private static let pieceBytes = 1 << 20

    /// - Parameter name: `-` is the standard input. What can be read only once is kept in a file without a
    ///   name.
    init(_ name: String) throws {
        self.name = name == "-" ? "standard input" : name
        let given = name == "-" ? FileHandle.standardInput : try Self.open(name)
        let isKept = try Self.isPlainFile(given, name)
        handle = isKept ? given : try Self.temporary()
        var hash = SHA256()
        var count: UInt64 = 0
        if isKept { try given.seek(toOffset: 0) }
        while let piece = try given.read(upToCount: Self.pieceBytes), !piece.isEmpty {
            hash.update(data: piece)
            count += UInt64(piece.count)
            if !isKept { try handle.write(contentsOf: piece) }
        }
        byteCount = count
        bareSource = Importer.bareSource(sha256: Array(hash.finalize()))
    }

    func forEachPiece(_ body: ([UInt8]) throws -> Void) throws {
        try handle.seek(toOffset: 0)
        while let piece = try handle.read(upToCount: Self.pieceBytes), !piece.isEmpty {
            try body([UInt8](piece))
        }
    }

    private static func open(_ path: String) throws -> FileHandle {
        // Safety: the path is lent for the length of the call.
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CommandFailure(
                .environment, "\(path) can't be read: \(SystemError.text(errno)); nothing was imported")
        }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// Whether the file can be read a second time.
    private static func isPlainFile(_ handle: FileHandle, _ name: String) throws -> Bool {
        var status = stat()
        // Safety: the call fills the one struct that it is given.
        guard unsafe fstat(handle.fileDescriptor, &status) == 0 else {
            throw CommandFailure(.environment, "\(name) can't be read: \(SystemError.text(errno))")
        }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw CommandFailure(
                .environment, "\(name) is a directory: name the files in it; nothing was imported")
        }
        return status.st_mode & S_IFMT == S_IFREG
    }

    private static func temporary() throws -> FileHandle {
        var path = Array((NSTemporaryDirectory() + "/tollbook-import-XXXXXX").utf8CString)
        // Safety: the call writes into the array, whose last byte is the zero that ends it.
        let descriptor = unsafe path.withUnsafeMutableBufferPointer {
            unsafe $0.baseAddress.map { unsafe mkstemp($0) } ?? -1
        }
        guard descriptor >= 0 else {
            throw CommandFailure(
                .environment,
                "there is no place for the standard input in \(NSTemporaryDirectory()): \(SystemError.text(errno)); "
                    + "name another directory in TMPDIR")
        }
        unsafe unlink(path)
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }
}
