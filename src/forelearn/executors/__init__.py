"""Where jobs are done: in this process, or in warm processes of their own. Standard library only.

An executor decides where and when, never what: results do not depend on it, nor on how many workers it has.
"""
