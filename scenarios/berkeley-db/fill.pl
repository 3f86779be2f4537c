# SPDX-License-Identifier: MIT
# Commits 100 records, then writes RECORDS more in one transaction: fill.pl FOLDER LOCKS RECORDS. The lock table is sized by
# DB_CONFIG, as an administrator does it. Where a put fails, it ends at once, with the transaction open.
use strict;
use warnings;
use BerkeleyDB;

my ($folder, $locks, $records) = @ARGV;
open(my $config, '>', "$folder/DB_CONFIG") or die "$folder/DB_CONFIG: $!\n";
print $config "set_lk_max_locks $locks\nset_lk_max_objects $locks\n";
close($config) or die "$folder/DB_CONFIG: $!\n";

my $env = BerkeleyDB::Env->new(
    -Home    => $folder,
    -Flags   => DB_CREATE | DB_INIT_MPOOL | DB_INIT_LOCK | DB_INIT_LOG | DB_INIT_TXN,
    -ErrFile => *STDERR
) or die "environment: $BerkeleyDB::Error\n";
my $db = BerkeleyDB::Btree->new(-Filename => 'records.db', -Env => $env, -Flags => DB_CREATE | DB_AUTO_COMMIT)
    or die "database: $BerkeleyDB::Error\n";

my $first = $env->txn_begin();
$db->Txn($first);
for my $i (1 .. 100) {
    $db->db_put("first $i", "value $i") == 0 or die "first put: $BerkeleyDB::Error\n";
}
$first->txn_commit() == 0 or die "first commit: $BerkeleyDB::Error\n";

my $transaction = $env->txn_begin();
$db->Txn($transaction);
for my $i (1 .. $records) {
    # Scattered keys: each page that is touched stays locked until the end.
    my $status = $db->db_put(sprintf('%08d', $i * 7919 % 1000003), 'x' x 400);
    if ($status != 0) {
        printf STDERR "error(%d) from db->put of record %d: %s\n", $status + 0, $i, $status;
        exit 1;
    }
}
$transaction->txn_commit() == 0 or die "commit: $BerkeleyDB::Error\n";
print "$records records committed\n";
