import Foundation
import Glibc

/// Everything that can be seen of a directory from outside: each file with its bytes, each entry with when it
/// was last changed. Two of them are the same where nothing has been written, made or removed in between.
struct DirectoryState: Equatable {
    private struct Entry: Equatable {
        let content: Data?
        let seconds: Int
        let nanoseconds: Int
        let mode: UInt32
    }

    private var entries: [String: Entry] = [:]

    init(_ path: String) throws {
        let below = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        for name in [""] + below {
            let place = path + "/" + name
            var status = stat()
            guard unsafe lstat(place, &status) == 0 else { continue }
            let isFile = status.st_mode & S_IFMT == S_IFREG
            entries[name] = Entry(
                content: isFile ? try Data(contentsOf: URL(fileURLWithPath: place)) : nil,
                seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec, mode: status.st_mode)
        }
    }

    /// Names below the directory.
    var names: [String] { entries.keys.sorted() }
}
