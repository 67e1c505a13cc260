import Foundation
import Testing

/// The program against an independent reading of the rules, `Tests/Oracle`, over calls made up from a seed.
struct DifferentialTests {
    @Test func theOracleAgrees() throws {
        let script = BuiltProgram.repository.appendingPathComponent("Tests/Oracle/compare.py").path
        let outcome = try BuiltProgram.run(
            "/usr/bin/python3", [script, "--tollbook", BuiltProgram.path, "--seeds", "1-6", "--calls", "80"])
        #expect(outcome.status == 0, "\(outcome.text)")
    }
}
