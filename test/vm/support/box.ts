/** A box for Vagrant with libvirt, made of the base system of the other machines: booted by its kernel, without a boot loader. */
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { ensureBaseSystem } from '../../hosts/support/base-system.ts';

const kernel = 'linux-image-cloud-amd64';
/** Where Debian's Vagrant keeps the public key that every box lets in until `vagrant up` puts another in its place. */
const vagrantGems = '/usr/share/rubygems-integration/all/gems';

/** What every machine of the box is like; read by Vagrant before the Vagrantfile of the lab. */
const vagrantfile = `box = File.dirname(File.expand_path(__FILE__))
Vagrant.configure("2") do |config|
  config.vm.boot_timeout = 300
  config.vm.provider :libvirt do |libvirt|
    libvirt.driver = "qemu"
    libvirt.cpu_mode = "maximum"
    libvirt.kernel = "#{box}/vmlinuz"
    libvirt.initrd = "#{box}/initrd.img"
    libvirt.cmd_line = "root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet"
    libvirt.graphics_type = "none"
    libvirt.video_type = "none"
    libvirt.management_network_name = "etcdlab-management"
    libvirt.management_network_address = "10.200.11.0/24"
    libvirt.management_network_mode = "none"
  end
end
`;

/** Makes the box once; later calls find it. @param cache a folder that may be kept from run to run @returns its file */
export async function ensureBox(cache: string): Promise<string> {
  const base = await ensureBaseSystem(cache, [kernel]);
  const box = `${base}.box`;
  if (existsSync(box)) return box;
  const work = path.join(cache, `box-${process.pid}`);
  const root = path.join(work, 'root');
  try {
    await mkdir(work, { recursive: true });
    await execa('cp', ['-a', base, root]);
    await prepare(root);
    const boot = await readdir(path.join(root, 'boot'));
    for (const [prefix, name] of [
      ['vmlinuz-', 'vmlinuz'],
      ['initrd.img-', 'initrd.img'],
    ] as const) {
      const file = boot.find((candidate) => candidate.startsWith(prefix)) as string;
      await copyFile(path.join(root, 'boot', file), path.join(work, name));
    }
    // No loop device is needed to fill a file system when it is made.
    const raw = path.join(work, 'raw');
    await execa('truncate', ['-s', '4G', raw]);
    await execa('mke2fs', ['-q', '-t', 'ext4', '-d', root, raw]);
    await execa('qemu-img', ['convert', '-O', 'qcow2', raw, path.join(work, 'box.img')]);
    await writeFile(path.join(work, 'metadata.json'), '{"provider":"libvirt","format":"qcow2","virtual_size":4}');
    await writeFile(path.join(work, 'Vagrantfile'), vagrantfile);
    const files = ['metadata.json', 'Vagrantfile', 'vmlinuz', 'initrd.img', 'box.img'];
    await execa('tar', ['-C', work, '-cf', `${work}/made.box`, ...files]);
    await rename(`${work}/made.box`, box);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return box;
}

async function prepare(root: string): Promise<void> {
  const at = (file: string) => path.join(root, file);
  const chroot = (...command: string[]) => execa('chroot', [root, ...command]);
  await chroot('useradd', '-m', '-s', '/bin/bash', 'vagrant');
  await mkdir(at('home/vagrant/.ssh'), { mode: 0o700 });
  const [gem] = (await readdir(vagrantGems)).filter((name) => name.startsWith('vagrant-2'));
  const key = await readFile(path.join(vagrantGems, gem ?? '', 'keys/vagrant.pub'), 'utf8');
  await writeFile(at('home/vagrant/.ssh/authorized_keys'), key, { mode: 0o600 });
  await chroot('chown', '-R', 'vagrant:vagrant', '/home/vagrant');
  await writeFile(at('etc/sudoers.d/vagrant'), 'vagrant ALL=(ALL) NOPASSWD: ALL\n');
  await chmod(at('etc/sudoers.d/vagrant'), 0o440);
  await writeFile(at('etc/fstab'), '/dev/vda / ext4 rw,noatime 0 1\n');
  await writeFile(
    at('etc/systemd/network/90-management.network'),
    '[Match]\nName=eth0\n[Network]\nDHCP=ipv4\n[DHCPv4]\nClientIdentifier=mac\n',
  );
  await writeFile(
    at('etc/systemd/system/ssh-host-keys.service'),
    `[Unit]\nBefore=ssh.service\nConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
[Service]\nType=oneshot\nExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key
[Install]\nWantedBy=multi-user.target\n`,
  );
  await chroot('systemctl', '-q', 'enable', 'systemd-networkd', 'ssh-host-keys');
  await chroot('systemctl', '-q', 'mask', 'systemd-networkd-wait-online', 'apt-daily.timer', 'apt-daily-upgrade.timer');
  const drivers = ['virtio_pci', 'virtio_blk', 'virtio_net', 'ext4'];
  await writeFile(at('etc/initramfs-tools/modules'), `${drivers.join('\n')}\n`);
  await writeFile(at('etc/initramfs-tools/conf.d/modules'), 'MODULES=list\n');
  await execa('mount', ['-t', 'proc', 'proc', at('proc')]);
  try {
    await chroot('update-initramfs', '-u');
  } finally {
    await execa('umount', [at('proc')]);
  }
}
