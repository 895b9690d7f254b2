"""What was made, in local folders: written beside, then renamed. Standard library only.

A folder in a shelf is whole or absent. The folders are the truth; the SQLite index is a copy of what they
say and is made again whenever it disagrees with them.

Not covered: Windows (the lock is `fcntl`'s) and storage that is not a local or mounted folder.
"""
