select "position" from log_head
