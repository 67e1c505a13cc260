import EventLog
import Events
import Glibc
import Testing

/// What the log's laws are held against: files on a disk, and simulated ones, of which one has no way past
/// its cache.
enum Backend: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case disk, simulated, cached

    var testDescription: String { rawValue }

    func makePlace() -> Place {
        switch self {
        case .simulated: Place(storage: SimulatedStorage(), data: "/data")
        case .cached: Place(storage: SimulatedStorage(hasDirect: false), data: "/data")
        case .disk: Place.temporary()
        }
    }
}

/// How the sealed segments of a log are kept.
enum Keeping: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case plain, summarized, compressed, compressedWithoutSummaries

    var testDescription: String { rawValue }

    var isCompressed: Bool { self == .compressed || self == .compressedWithoutSummaries }

    func apply(to log: LogDirectory, in place: Place) throws(LogError) {
        if self == .plain { return }
        try log.maintain()
        if self == .summarized { return }
        try log.compress()
        if self == .compressed { return }
        for path in place.summaryPaths { try place.storage.remove(path) }
    }
}

/// A data directory of one test; on a disk it goes with this object.
final class Place: Sendable {
    let storage: any Storage
    let data: String
    private let temporary: String?

    init(storage: any Storage, data: String, temporary: String? = nil) {
        self.storage = storage
        self.data = data
        self.temporary = temporary
    }

    static func temporary() -> Place {
        var template = Array("/tmp/tollbook-log-XXXXXX".utf8CString)
        // Safety: a zero-terminated text that is changed in place.
        let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) != nil }
        precondition(made, "a directory for the test")
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return Place(storage: DiskStorage(), data: path + "/data", temporary: path)
    }

    deinit {
        guard let temporary else { return }
        Self.removeAll(temporary)
    }

    static func removeAll(_ path: String) {
        guard let names = try? DiskStorage().entries(of: path) else {
            try? DiskStorage().remove(path)
            return
        }
        for name in names { removeAll(path + "/" + name) }
        // Safety: the path is a Swift string, which ends in a zero.
        _ = unsafe rmdir(path)
    }

    func open(
        segmentBytes: Int = LogLimits.segmentBytesMin, change: (inout LogOptions) -> Void = { _ in }
    ) throws(LogError) -> LogDirectory {
        var options = LogOptions()
        options.segmentBytes = segmentBytes
        options.makeID = { LogID(high: 1, low: 2) }
        // Many blocks in a small segment.
        options.compression?.blockBytes = LogLimits.blockBytesMin
        change(&options)
        return try LogDirectory.open(data, options: options, storage: storage)
    }

    func openReadOnly() throws(LogError) -> LogDirectory {
        try LogDirectory.openReadOnly(data, storage: storage)
    }

    var names: [String] { (try? storage.entries(of: data + "/log") ?? []) ?? [] }
    /// The plain segments.
    var segmentPaths: [String] { paths(ending: ".segment") }
    var compressedPaths: [String] { paths(ending: ".segment.zst") }
    var summaryPaths: [String] { paths(ending: ".summary") }

    private func paths(ending suffix: String) -> [String] {
        names.filter { $0.hasSuffix(suffix) }.sorted().map { data + "/log/" + $0 }
    }

    func bytes(_ path: String) throws(LogError) -> [UInt8] {
        let file = try storage.open(path, .read)
        return try file.read(try file.size(), at: 0)
    }

    /// Changes a file behind the log's back.
    func damage(_ path: String, _ body: (inout [UInt8]) -> Void) throws {
        if let simulated = storage as? SimulatedStorage {
            try #require(simulated.content(path)).damage(body)
            return
        }
        var bytes = try storage.open(path, .read).read(try storage.open(path, .read).size(), at: 0)
        body(&bytes)
        // Safety: bytes of an array of bytes.
        let written = try unsafe storage.open(path, .write).write(bytes.span.bytes, at: 0)
        try #require(written == bytes.count)
    }

    /// Puts a file in the place of one, behind the log's back.
    func replace(_ path: String, with bytes: [UInt8]) throws {
        let file = try storage.open(path, .make)
        // Safety: bytes of an array of bytes.
        if !bytes.isEmpty { try #require(try unsafe file.write(bytes.span.bytes, at: 0) == bytes.count) }
        try file.sync()
        try storage.syncDirectory(data + "/log")
    }
}
