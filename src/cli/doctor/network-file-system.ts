/** The numbers of Linux: https://man7.org/linux/man-pages/man2/statfs.2.html. Elsewhere they mean something else, and are not in use there. */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x5346414f, 'AFS'],
  [0x01021997, '9P'],
  [0x00c36400, 'Ceph'],
  [0x013111a8, 'IBRIX'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x7461636f, 'OCFS2'],
])

/** @param type of `statfs` @returns its name, if it is one that is reached over a network */
export function networkFileSystem(type: number): string | undefined {
  // Some numbers come with a sign.
  return NETWORK.get(type >>> 0)
}
