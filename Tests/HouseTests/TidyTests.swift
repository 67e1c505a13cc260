import Foundation
import Testing

/// What keeps the house readable and safe, checked over every file that git holds. Each rule is tried on a
/// text that breaks it too, so that a rule which finds nothing any more is noticed.
struct TidyTests {
    @Test(arguments: Rule.all)
    func sourcesKeepTheRule(rule: Rule) throws {
        let repository = try Repository.here.get()
        let offences = try rule.folders.flatMap { try repository.swiftFiles(under: $0) }.flatMap(
            rule.offences)
        #expect(offences.isEmpty, "\(rule.name):\(offences.list)")
    }

    @Test(arguments: Rule.all)
    func ruleFindsWhatItIsFor(rule: Rule) {
        let bad = SwiftFile(path: "Sources/Events/Bad.swift", text: rule.bad)
        #expect(!rule.offences(bad).isEmpty, "\(rule.name) takes what it should refuse")
        let good = SwiftFile(path: "Sources/Events/Good.swift", text: rule.good)
        #expect(
            rule.offences(good).isEmpty,
            "\(rule.name) refuses what it should take: \(rule.offences(good).list)")
    }

    @Test func topLevelHoldsNothingElse() throws {
        let allowed: Set = ["Package.swift", "Sources", "Tests", "schemas", "tools", "README.md"]
        let top = Set(try Repository.here.get().files.map { String($0.prefix { $0 != "/" }) })
        let strange = top.filter { !allowed.contains($0) && !$0.hasPrefix(".") }
        #expect(strange.isEmpty, "at the top level: \(strange.sorted())")
        #expect(top.isSuperset(of: allowed), "missing at the top level: \(allowed.subtracting(top).sorted())")
    }

    /// A path of somebody's machine works there and nowhere else.
    @Test func noFileNamesAMachinesPaths() throws {
        let repository = try Repository.here.get()
        var places = ["/ho" + "me/", "/Us" + "ers/", "/ro" + "ot/", repository.root]
        let above = repository.root.split(separator: "/").dropLast()
        if above.count > 1 { places.append("/" + above.joined(separator: "/") + "/") }
        let offences = try repository.files.flatMap { path in
            try repository.text(of: path).split(separator: "\n", omittingEmptySubsequences: false)
                .enumerated()
                .filter { line in places.contains { line.element.contains($0) } }
                .map { Offence(path: path, line: $0.offset + 1, what: "names a path of one machine") }
        }
        #expect(offences.isEmpty, "\(offences.list)")
    }

    /// A test that asserts nothing can't fail.
    @Test func everyTestFileAsserts() throws {
        let repository = try Repository.here.get()
        var offences = try repository.swiftFiles(under: "Tests").compactMap { file -> Offence? in
            let tests = file.codeLines(holding: ["@Test", "func test"], matching: /@Test\b|\bfunc test\w*\(/)
            let checks = file.codeLines(
                holding: ["#expect", "#require", "Issue.record"],
                matching: /#expect\b|#require\b|Issue\.record\(/)
            return tests.isEmpty || !checks.isEmpty
                ? nil : file.offence(tests[0], "tests without an assertion")
        }
        for path in repository.files(under: "Tests", ending: ".py") {
            let text = try repository.text(of: path)
            guard text.contains(/(?m)^\s*def test_/),
                !text.contains(/\bself\.assert|\bassert |\bself\.fail\(/)
            else {
                continue
            }
            offences.append(Offence(path: path, line: 1, what: "tests without an assertion"))
        }
        #expect(offences.isEmpty, "\(offences.list)")
    }
}
