-- The newest post of each board.
create index post_latest on post (board, id) where deleted is null;
