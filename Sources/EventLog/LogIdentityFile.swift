internal import Events

/// The file that makes a directory a log and says which.
enum LogIdentityFile {
    static let name = "identity"
    private static let magic: UInt64 = 0x0A67_6F4C_6C6F_6254  // "TbolLog\n" read as a little-endian number
    private static let version: UInt32 = 1
    private static let bytes = 48

    static func encoded(_ id: LogID) -> [UInt8] {
        var writer = ByteWriter()
        writer.put(magic)
        writer.put(version)
        writer.put(UInt32(0))
        writer.put(id.high)
        writer.put(id.low)
        writer.put(UInt64(0))
        writer.put(writer.bytes.xxh3())
        return writer.bytes
    }

    static func read(_ file: any StorageFile) throws(LogError) -> LogID {
        let found = try file.read(bytes, at: 0)
        var reader = ByteReader(found)
        guard found.count == bytes, reader.take(UInt64.self) == magic else {
            throw LogError(
                .notALog, path: file.path, offset: 0,
                "This is not the identity of a Tollbook log. Check the path.")
        }
        let version = reader.take(UInt32.self)
        _ = reader.take(UInt32.self)
        let id = LogID(high: reader.take(), low: reader.take())
        _ = reader.take(UInt64.self)
        guard Array(found[..<reader.offset]).xxh3() == reader.take(UInt64.self) else {
            throw LogError(
                .damaged, path: file.path, offset: 0,
                "The checksum of the log's identity is wrong. Restore the file from a copy.")
        }
        guard version == Self.version else {
            throw LogError(
                .versionUnknown, path: file.path, offset: 8,
                "The log has format \(version), this program knows \(Self.version). Use a newer tollbook.")
        }
        return id
    }
}
