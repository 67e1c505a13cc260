import Foundation
import Projections
import ReadModel

/// A billing policy and the text of its file, which is what the log and the read model keep of it.
struct PolicyText {
    let text: String
    let policy: BillingPolicy

    /// Reads and checks a file.
    ///
    /// - Throws: `environment` where it can't be read, `usage` where it holds no policy: the line, what
    ///   stands there, and what may.
    init(contentsOf path: String) throws(CommandFailure) {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw CommandFailure(
                .environment,
                "the policy \(path) can't be read: check that it is there and may be read by this user")
        }
        guard data.count <= PolicyFile.bytesMax else {
            throw CommandFailure(
                .usage,
                "\(path) is no billing policy: it has \(data.count) bytes, and a policy has "
                    + "\(PolicyFile.bytesMax) at most")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw CommandFailure(.usage, "\(path) is no billing policy: it is no text in UTF-8")
        }
        self.text = text
        do throws(ReadModelError) {
            policy = try PolicyFile.parse([UInt8](data), path: path)
        } catch {
            throw CommandFailure(.usage, error.detail)
        }
    }
}
