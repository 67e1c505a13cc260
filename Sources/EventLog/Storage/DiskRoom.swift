internal import Glibc

/// What a file system has left for whoever asks.
package struct DiskRoom {
    private let blocks: UInt64
    private let blockBytes: UInt64

    package init(blocks: UInt64, blockBytes: UInt64) {
        self.blocks = blocks
        self.blockBytes = blockBytes
    }

    /// Null where the file system doesn't tell.
    package init?(of descriptor: Int32) {
        var disk = statvfs()
        // Safety: writes the one struct that it is given.
        guard unsafe fstatvfs(descriptor, &disk) == 0 else { return nil }
        self.init(disk)
    }

    /// That of the file system in which a path is; null where it doesn't tell.
    package init?(at path: String) {
        var disk = statvfs()
        // Safety: writes the one struct that it is given; the path is lent for the length of the call.
        guard unsafe statvfs(path, &disk) == 0 else { return nil }
        self.init(disk)
    }

    /// A file system may keep its last few percent for the superuser: they count for that one alone.
    private init?(_ disk: statvfs) {
        guard disk.f_blocks > 0 else { return nil }
        self.init(
            blocks: UInt64(geteuid() == 0 ? disk.f_bfree : disk.f_bavail), blockBytes: UInt64(disk.f_frsize))
    }

    package func holds(_ bytes: Int) -> Bool {
        let (room, isBeyondCount) = blocks.multipliedReportingOverflow(by: blockBytes)
        return isBeyondCount || room >= bytes
    }
}
