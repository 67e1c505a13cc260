import Foundation
import RegexBuilder
import Testing

/// Who may import whom. The arrows of the house point one way: bytes come in on the left, and nothing that
/// stands left knows of what stands right of it. Package.swift and every `import` are held against this
/// table.
struct ImportTableTests {
    private struct Room {
        /// Targets and products that it may depend on and import.
        let others: Set<String>
        /// Modules that come with the toolchain.
        let toolchain: Set<String>
    }

    // The C library and the standard library's locks are the ground that all stand on, but for the
    // projections, which have no business with a file, a clock or a thread.
    private static let ground: Set<String> = ["Glibc", "Synchronization"]

    private static let table: [String: Room] = [
        "CLinux": Room(others: [], toolchain: []),
        "CSimdJSON": Room(others: [], toolchain: []),
        "CSQLite": Room(others: [], toolchain: []),
        "CXXHash": Room(others: [], toolchain: []),
        "CZeroMQ": Room(others: [], toolchain: []),
        "CZstd": Room(others: [], toolchain: []),
        "Events": Room(others: ["CSimdJSON", "CXXHash"], toolchain: ground),
        "EventLog": Room(others: ["Events", "CLinux", "CXXHash", "CZstd"], toolchain: ground),
        // CXXHash: user agents are found by their hash.
        "Projections": Room(others: ["Events", "CXXHash"], toolchain: []),
        "ReadModel": Room(
            others: ["CSQLite", "Events", "EventLog", "Projections", "GRDB", "GRDBSQLite", "Crypto"],
            toolchain: ground.union(["Foundation"])),
        "Ingest": Room(others: ["Events", "EventLog", "CZeroMQ", "Logging"], toolchain: ground),
        "Simulation": Room(
            others: [
                "CSimdJSON", "CXXHash", "CZeroMQ", "Events", "EventLog", "Projections", "ReadModel", "Ingest",
                "Logging",
            ],
            toolchain: ground.union(["Foundation"])),
        "tollbook": Room(
            others: [
                "CSimdJSON", "CXXHash", "CZeroMQ", "Events", "EventLog", "Projections", "ReadModel", "Ingest",
                "Simulation", "ArgumentParser", "Logging", "ServiceLifecycle", "UnixSignals", "Configuration",
                "Crypto",
            ],
            toolchain: ground.union(["Foundation", "Dispatch"])),
    ]

    @Test func packageHasTheRoomsOfTheTable() throws {
        let manifest = Manifest(text: try Repository.here.get().text(of: "Package.swift"))
        #expect(Set(manifest.dependencies.keys) == Set(Self.table.keys))
        for (target, dependencies) in manifest.dependencies.sorted(by: { $0.key < $1.key }) {
            let foreign = dependencies.subtracting(Self.table[target]?.others ?? [])
            #expect(foreign.isEmpty, "Package.swift: \(target) may not depend on \(foreign.sorted())")
        }
    }

    @Test func sourcesImportWhatTheTableAllows() throws {
        let repository = try Repository.here.get()
        let manifest = Manifest(text: try repository.text(of: "Package.swift"))
        let offences = try repository.swiftFiles(under: "Sources").flatMap { file in
            let target = String(file.path.split(separator: "/")[1])
            let declared = manifest.dependencies[target] ?? []
            return file.imports.compactMap { (line, module) -> Offence? in
                guard let room = Self.table[target] else {
                    return file.offence(line, "no such room: \(target)")
                }
                if room.toolchain.contains(module) { return nil }
                guard room.others.contains(module) else {
                    return file.offence(line, "\(target) may not import \(module)")
                }
                // SwiftPM lets a target see what its dependencies see: that is no leave to use it.
                return declared.contains(module)
                    ? nil
                    : file.offence(line, "\(module) is not among \(target)'s dependencies in Package.swift")
            }
        }
        #expect(offences.isEmpty, "\(offences.list)")
    }

    @Test func rulesFindWhatTheyAreFor() {
        let file = SwiftFile(
            path: "x",
            text: """
                @testable package import Events
                internal import struct Foundation.Data
                // import Nothing
                let text = "import Nothing"
                """)
        #expect(file.imports.map(\.module) == ["Events", "Foundation"])
        let manifest = Manifest(
            text: """
                let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
                .target(
                    name: "A", dependencies: ["B", grdb, .product(name: "C", package: "c")], swiftSettings: house),
                .testTarget(name: "ATests", dependencies: ["A"]),
                .target(name: "B"),
                """)
        #expect(manifest.dependencies == ["A": ["B", "GRDB", "C"], "B": []])
    }
}

extension SwiftFile {
    /// The modules that it imports, by line.
    var imports: [(line: Int, module: String)] {
        let level = /(?:(?:public|package|internal|fileprivate|private)\s+)?/
        let kind = /(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?/
        let statement = Regex {
            /^\s*(?:@\w+\s+)*/
            level
            /import\s+/
            kind
            Capture(/\w+/)
        }
        return code.indices.compactMap { line in
            guard code[line].contains("import") else { return nil }
            return code[line].firstMatch(of: statement).map { (line, String($0.1)) }
        }
    }
}

/// What Package.swift says of targets that are no tests.
private struct Manifest {
    var dependencies: [String: Set<String>] = [:]

    init(text: String) {
        var products: [String: String] = [:]
        for match in text.matches(of: /let (\w+) = Target\.Dependency\.product\(name: "(\w+)"/) {
            products[String(match.1)] = String(match.2)
        }
        for match in text.matches(of: /\.(target|executableTarget|systemLibrary)\(\s*name: "(\w+)"/) {
            let rest = Self.untilClosed(text[match.range.upperBound...])
            let list = rest.firstMatch(of: /dependencies: \[([^\]]*)\]/).map { String($0.1) } ?? ""
            var names: Set<String> = []
            for item in list.matches(of: /\.product\(name: "(\w+)"[^)]*\)|"(\w+)"|(\w+)/) {
                if let name = item.1 ?? item.2 { names.insert(String(name)) }
                if let name = item.3 { names.insert(products[String(name)] ?? String(name)) }
            }
            dependencies[String(match.2)] = names
        }
    }

    /// Up to the parenthesis that closes the one which the text stands in.
    private static func untilClosed(_ text: Substring) -> Substring {
        var depth = 1
        return text.prefix { character in
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            return depth > 0
        }
    }
}

extension [Offence] {
    /// One a line, to be read in a test's message.
    var list: String { map { "\n  \($0)" }.joined() }
}
