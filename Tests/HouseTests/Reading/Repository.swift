import Foundation

/// The checkout that these tests were built from, and what git holds of it.
struct Repository {
    /// Without a slash at the end.
    let root: String
    /// Paths below the root of all files that are tracked or would be, sorted.
    let files: [String]

    static let here = Result { try Repository() }

    private init() throws {
        // Tests/HouseTests/Reading/Repository.swift
        var url = URL(filePath: #filePath).resolvingSymlinksInPath()
        for _ in 0..<4 { url.deleteLastPathComponent() }
        root = url.path(percentEncoded: false).trimmingSuffix("/")
        let listed = try Self.git(["ls-files", "-z", "--cached", "--others", "--exclude-standard"], in: root)
        let paths = Set(listed.split(separator: "\0").map(String.init)).sorted()
        let root = self.root
        // A tracked file that is being deleted is listed still.
        files = paths.filter { FileManager.default.fileExists(atPath: "\(root)/\($0)") }
    }

    func text(of path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(root)/\(path)")), as: UTF8.self)
    }

    func files(under folder: String, ending suffix: String) -> [String] {
        files.filter { $0.hasPrefix("\(folder)/") && $0.hasSuffix(suffix) }
    }

    func swiftFiles(under folder: String) throws -> [SwiftFile] {
        try files(under: folder, ending: ".swift").map { SwiftFile(path: $0, text: try text(of: $0)) }
    }

    private static func git(_ arguments: [String], in root: String) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["git", "-C", root] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        struct GitFailed: Error { let status: Int32 }
        guard process.terminationStatus == 0 else { throw GitFailed(status: process.terminationStatus) }
        return String(decoding: data, as: UTF8.self)
    }
}

extension String {
    func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}

/// A place at which a rule of the house is broken.
struct Offence: Hashable, CustomStringConvertible {
    let path: String
    let line: Int
    let what: String

    var description: String { "\(path):\(line): \(what)" }
}
