select "position" from positions where processor = %(processor)s
