// swift-tools-version: 6.2
import PackageDescription

/// One set of rules for every Swift target of the house.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    // Rooms are modules, and what an event passes through goes from room to room: a call that costs more than
    // what it does must not become one because of that. Of a `package` type nothing is inlined in another
    // module, whatever it is marked with; hence those that every event passes through are public.
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
    // Where the compiler can't tell whether two accesses to one variable overlap, that is looked up for each
    // of them while the program runs: in `swift test`, which ends where it is so. In a release it would
    // take up to a tenth of what an event costs that comes alone
    // (`tollbook bench ingest --batch 1 --window 4000`).
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")

let package = Package(
    name: "tollbook",
    products: [
        .executable(name: "tollbook", targets: ["tollbook"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .target(name: "CLinux"),
        .target(
            name: "CSimdJSON",
            linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "CSQLite", linkerSettings: [.linkedLibrary("sqlite3")]),
        .target(name: "CXXHash"),
        .systemLibrary(
            name: "CZeroMQ", path: "Sources/CZeroMQ",
            pkgConfig: "libzmq", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(
            name: "CZstd", path: "Sources/CZstd",
            pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),

        .target(name: "Events", dependencies: ["CSimdJSON", "CXXHash"], swiftSettings: house),
        .target(
            name: "EventLog", dependencies: ["Events", "CLinux", "CXXHash", "CZstd"], swiftSettings: house),
        .target(name: "Projections", dependencies: ["Events", "CXXHash"], swiftSettings: house),
        .target(
            name: "ReadModel",
            dependencies: ["CSQLite", "Events", "EventLog", "Projections", grdb, sqlite, crypto],
            swiftSettings: house),
        .target(
            name: "Ingest", dependencies: ["Events", "EventLog", "CZeroMQ", logging], swiftSettings: house),
        .target(
            name: "Simulation",
            dependencies: ["Events", "EventLog", "Projections", "ReadModel", "Ingest", "CZeroMQ"],
            swiftSettings: house),
        .executableTarget(
            name: "tollbook",
            dependencies: [
                "Events", "EventLog", "Projections", "ReadModel", "Ingest", "Simulation",
                arguments, logging, lifecycle, signals, configuration, crypto,
            ],
            swiftSettings: house),

        .testTarget(name: "EventsTests", dependencies: ["Events"], swiftSettings: house),
        .testTarget(
            name: "EventLogTests", dependencies: ["EventLog", "Events", "CZstd"], swiftSettings: house),
        .testTarget(
            name: "ProjectionsTests", dependencies: ["Projections", "Simulation", "Events"],
            swiftSettings: house),
        .testTarget(
            name: "ReadModelTests",
            dependencies: ["ReadModel", "Ingest", "Simulation", "Projections", "EventLog", "Events", grdb],
            swiftSettings: house),
        .testTarget(
            name: "IngestTests", dependencies: ["Ingest", "EventLog", "Events"], swiftSettings: house),
        .testTarget(name: "SimulationTests", dependencies: ["Simulation", "Events"], swiftSettings: house),
        .testTarget(
            name: "SystemTests", dependencies: ["Ingest", "tollbook", grdb], exclude: ["Fixtures", "Golden"],
            swiftSettings: house),
        .testTarget(name: "HouseTests", swiftSettings: house),
    ],
    cxxLanguageStandard: .cxx17
)
