/* power_cut FOLDER: the file system of the folder stops as if the power had failed: what was not flushed is gone.
 * FS_IOC_SHUTDOWN with FS_SHUTDOWN_FLAGS_NOLOGFLUSH (linux/fs.h; ext4 and xfs). */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(int count, char **arguments) {
    if (count != 2) {
        return 2;
    }
    int folder = open(arguments[1], O_RDONLY | O_DIRECTORY);
    uint32_t flags = 2;
    if (folder < 0 || ioctl(folder, _IOR('X', 125, uint32_t), &flags) != 0) {
        perror("power_cut");
        return 1;
    }
    return 0;
}
